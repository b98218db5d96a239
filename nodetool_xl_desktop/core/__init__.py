"""What every other room stands on: errors for people, paths, units, logging, the factory of HTTP clients."""
