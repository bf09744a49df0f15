//! What the router has to do later, by time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::interference::FlowKey;
use crate::clock::Nanos;
use crate::truth::PacketRecord;

/// Something to do at a time.
#[derive(Debug)]
pub enum Event {
    /// Hand a packet to its receiver.
    Deliver {
        /// The frame.
        frame: Box<[u8]>,
        /// What will be logged of it.
        record: PacketRecord,
    },
    /// Cut a connection.
    Kill {
        /// The host whose packets the rule watches.
        from: usize,
        /// The host at the other end.
        to: usize,
        /// The connection.
        flow: FlowKey,
    },
}

#[derive(Debug)]
struct Entry {
    at: Nanos,
    // Events of the same time happen in the order in which they were entered.
    number: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The events to come.
#[derive(Debug, Default)]
pub struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    entered: u64,
}

impl Agenda {
    /// Enters an event.
    pub fn enter(&mut self, at: Nanos, event: Event) {
        self.entered += 1;
        self.entries.push(Reverse(Entry { at, number: self.entered, event }));
    }

    /// When the next event is due.
    pub fn next_at(&self) -> Option<Nanos> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes the next event if its time has come.
    pub fn take_due(&mut self, now: Nanos) -> Option<Event> {
        if self.next_at()? > now {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_by_order_of_entry() {
        let mut agenda = Agenda::default();
        let kill = |to| Event::Kill { from: 0, to, flow: FlowKey::default() };
        for (at, to) in [(30, 1), (10, 2), (30, 3), (20, 4)] {
            agenda.enter(Nanos(at), kill(to));
        }
        assert_eq!(agenda.next_at(), Some(Nanos(10)));
        assert!(agenda.take_due(Nanos(9)).is_none());
        let mut order = Vec::new();
        while let Some(Event::Kill { to, .. }) = agenda.take_due(Nanos(30)) {
            order.push(to);
        }
        assert_eq!(order, [2, 4, 1, 3]);
    }
}
