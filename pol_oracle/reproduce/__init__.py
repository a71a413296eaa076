"""What can be shown without an L1: the paper's Figure 1, and what the hardened chain's network learns.

figure1.py    run: continue the paper's chain of a folder, up to so many blocks, and draw it
  mining.py   the paper's miner: every try trains
  folder.py   what a run leaves behind, and goes on from when it was interrupted
  screen.py   the progress line
learning.py   run: the hardened chain's training beside plain training, up to so many samples
  chain.py    its blocks: a segment, and a step that improves accuracy
  plain.py    the same batches by torch
  curves.py   accuracy over samples, as a picture
files.py      a folder's lock and tables
*.toml        the tasks, unless the user names another
"""
