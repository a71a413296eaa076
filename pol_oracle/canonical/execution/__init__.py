"""Running programs on whole tensors.

memory.py    where a program's tensors lie
machine.py   maps compiled to instructions
layouts.py   gathers compiled to copies of planes
execute.py   runs a program
threads.py   threads that share one operation
blocks.py    large arrays that are used again
"""
