"""What people see of an agent.

logs.py        log entries, for people and machines
records.py     the status file: what was earned or lost, and why
meter.py       what a miner's search does, as figures
health.py      is the network that is trained well
gauges.py      what both agents tell of L1 and themselves
metrics.py     all of that for Prometheus
waiting.py     what agents and blocks wait for, and what to do about it
absence.py     trouble that passes, such as an L1 that is away
vigil.py       says so, once and then ever more rarely
dashboard.py   and on one live line
"""
