"""The policy: what the user allows. Each key is defined once, in `sections`, and everything else comes from there."""
