//! `/annotation-queues`: queues, and the runs that wait in them.

pub(super) mod items;
pub(super) mod queues;
