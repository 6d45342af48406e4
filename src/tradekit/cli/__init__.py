"""Floor 4: one small file per command: options in, one result out. The only place that prints."""
