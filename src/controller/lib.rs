//! One reconcile: observe, plan, act, report.
