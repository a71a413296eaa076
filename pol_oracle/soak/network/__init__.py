"""The network that is soaked, and what befalls it.

cast.py       who takes part, and with what at stake
agents.py     processes: started, killed, frozen, short of disk, started again
terminal.py   a terminal that is read, stands still, or is closed
l1.py         L1: stopped, reorganised, its clock put forward
proxy.py      a lying node between an agent and L1
lies.py       what it can say
errands.py    commands of users: deposits, withdrawals
saver.py      a user that moves money
world.py      carries the schedule out
"""
