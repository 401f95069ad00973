"""The command line: one file per family of commands.

Belongs here: options, tables, progress bars, exit codes. Stays out: what a command does.
"""
