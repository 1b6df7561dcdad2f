//! The process: arguments, telemetry, health, wiring.
