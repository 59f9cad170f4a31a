"""The verb `geomsim mapper`; the only part of the package that knows the command line and the figures."""
