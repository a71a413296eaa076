"""What takes an agent's time, in background threads.

worker.py          the threads
follow.py          W along the chain, by replay
replay.py          a verifier's check of one block, as numbered steps -> a verdict
replay_queue.py    replays, the most urgent first
answerer.py        answers to demands, from what a block stands on
answer_worker.py   which demand is answered next
"""
