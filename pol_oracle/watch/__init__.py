"""What people see of a network while it runs: a table of who takes part and of the newest blocks.

Read from L1 and from the agents' status files; `pol up`, `pol top` and the demo show it.

    observer.py  follows L1, also while it is away
    agents.py    the status files of a home folder
    snapshot.py  what the table shows at one moment
    network.py   view and status files -> snapshot, with the reason for waiting in each row
    events.py    events -> sentences
    watcher.py   look after look, shown on a screen
    screen.py    a live display, or plain lines where there is no terminal
"""
