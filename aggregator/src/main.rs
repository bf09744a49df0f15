//! `vantage`: the aggregator and the planner's tool.

fn main() {}
