"""The tests. Some dependency installs a package of the same name: without this file `python -m` would find that one."""
