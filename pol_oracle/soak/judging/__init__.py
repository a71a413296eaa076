"""Whether anything honest lost anything.

witness.py     L1 asked directly: events, and who has what
audit.py       L1's bodies and receipts -> what each honest account paid
resources.py   memory, threads, descriptors, files of each agent; first third against last
verdict.py     pure: what L1 says -> what was lost
report.py      figures, for JSON and for people
"""
