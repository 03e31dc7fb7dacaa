"""`portico up`: start every process in order, watch it, and stop them all together."""
