"""What can be asked for, a module per noun; each route declares the role that it needs."""
