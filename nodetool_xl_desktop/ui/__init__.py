"""Everything Qt: it asks the rooms below for values and event streams, shows them, and decides nothing."""
