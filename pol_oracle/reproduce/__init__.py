"""The paper's Figure 1, mined again: accuracy and block interval of a chain under the paper's own rules.

figure1.py    run: continue the chain of a folder, up to so many blocks, and draw it
mining.py     the paper's miner: every try trains
folder.py     what a run leaves behind, and goes on from when it was interrupted
screen.py     the progress line
figure1.toml  the task, unless the user names another
"""
