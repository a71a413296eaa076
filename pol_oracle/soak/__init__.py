"""``pol soak``: agents in processes of their own, and what the world does to them, at random from a seed.

Nothing here is imported by an agent. What is lost is told from L1 alone.

    run.py        the loop, from start to end
    schedule.py   pure: seed -> faults
    network/      who takes part, and what befalls it
    judging/      L1 -> what was lost
    screen.py     progress, and the verdict as a table
"""
