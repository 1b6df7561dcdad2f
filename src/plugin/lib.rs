//! kubectl psg: what the operator would say, from the command line.
