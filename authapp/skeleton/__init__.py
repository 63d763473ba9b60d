"""`authapp new`: a project of somebody's own, which uses the installed package. Its files are in `project/`."""
