//! Branch and bound over sets of one size.
//!
//! What a candidate saves becomes less as a set grows (the objective is *supermodular*; Nemhauser,
//! Wolsey & Fisher 1978). So a set S with r more sites costs no less than S, less the r greatest
//! savings beside S. Candidates are tried by falling savings, and each branch does without those
//! tried before it: where the bound says that the next can't do, none after it can.
//!
//! As long as a demand is not met, only candidates that meet it are tried, and of all demands that
//! with the fewest such candidates: one of them must be in the set.

use std::cell::Cell;
use std::cmp::Ordering;

use super::frame::{Frame, Open};
use super::instance::Instance;

/// A set of candidates, by rising place, and what it costs, in steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub cost: f64,
    pub set: Vec<usize>,
}

impl Found {
    /// The better first; among equals the smaller, then the one with the lower ids.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let size = self.set.len().cmp(&other.set.len());
        self.cost.total_cmp(&other.cost).then(size).then_with(|| self.set.cmp(&other.set))
    }
}

/// When to end a search.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal<'a> {
    /// With so many best sets.
    Best(usize),
    /// With any set, or when so many branches are spent. What is spent is taken off.
    Any(&'a Cell<u64>),
}

impl Instance {
    /// The sets of `size` candidates that meet all demands within the budget, best first.
    ///
    /// Sets that are `known` spare the search what cannot be better.
    pub(super) fn search(&self, size: usize, goal: Goal<'_>, known: &[Vec<usize>]) -> Vec<Found> {
        let mut search = Search {
            instance: self,
            goal,
            cheapest: self.cheapest(size),
            frames: Vec::new(),
            set: Vec::new(),
            found: Vec::new(),
        };
        for set in known.iter().filter(|set| set.len() == size) {
            if let Some(cost) = self.cost_of(set) {
                search.offer(Found { cost, set: set.clone() });
            }
        }
        let fits =
            |required: &&Vec<usize>| (required.len()..=self.candidates.len()).contains(&size);
        let Some(required) = self.required.as_ref().filter(fits) else { return search.found };
        let mut root = Frame::root(self);
        for candidate in required {
            root.add(self, *candidate);
        }
        let others = (0..self.candidates.len()).filter(|place| !required.contains(place));
        root.open = others.map(|candidate| Open { saving: f64::INFINITY, candidate }).collect();
        search.set.clone_from(required);
        search.frames = vec![root; size - required.len() + 1];
        if search.frames[0].price <= self.budget {
            search.descend(0);
        }
        search.found
    }

    /// What a set costs; `None` where it breaks a rule.
    pub(super) fn cost_of(&self, set: &[usize]) -> Option<f64> {
        let mut frame = Frame::root(self);
        for candidate in set {
            frame.add(self, *candidate);
        }
        let complete = self.required.as_ref()?.iter().all(|place| set.contains(place));
        (complete && frame.price <= self.budget && frame.is_satisfied()).then_some(frame.cost)
    }

    /// The least that so many candidates cost per month, for all numbers up to `size`.
    fn cheapest(&self, size: usize) -> Vec<f64> {
        let mut prices = self.prices.clone();
        prices.sort_by(f64::total_cmp);
        let mut sum = 0.0;
        let sums = prices.iter().take(size).map(|price| {
            sum += price;
            sum
        });
        std::iter::once(0.0).chain(sums).collect()
    }
}

struct Search<'a> {
    instance: &'a Instance,
    goal: Goal<'a>,
    /// See [`Instance::cheapest`].
    cheapest: Vec<f64>,
    /// One for each number of candidates chosen beyond the required.
    frames: Vec<Frame>,
    /// The candidates chosen, in the order of choice.
    set: Vec<usize>,
    found: Vec<Found>,
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        match self.goal {
            Goal::Best(_) => false,
            Goal::Any(allowance) => !self.found.is_empty() || allowance.get() == 0,
        }
    }

    fn spend(&self) {
        if let Goal::Any(allowance) = self.goal {
            allowance.update(|left| left.saturating_sub(1));
        }
    }

    /// The worst of the sets that are to be kept, once there are enough.
    fn worst(&self) -> Option<&Found> {
        match self.goal {
            Goal::Best(keep) => self.found.get(keep.checked_sub(1)?),
            Goal::Any(_) => self.found.first(),
        }
    }

    fn offer(&mut self, offered: Found) {
        if let Err(place) = self.found.binary_search_by(|found| found.order(&offered)) {
            self.found.insert(place, offered);
        }
        match self.goal {
            Goal::Best(keep) => self.found.truncate(keep),
            Goal::Any(_) => self.found.truncate(1),
        }
    }

    /// Whether no set is worth finding that costs at least `bound` and consists of the one chosen
    /// and `more` of the `open` candidates.
    fn is_hopeless<'o>(
        &self,
        bound: f64,
        more: usize,
        open: impl Iterator<Item = &'o Open>,
    ) -> bool {
        let Some(worst) = self.worst() else { return false };
        match bound.total_cmp(&worst.cost) {
            Ordering::Less => false,
            Ordering::Greater => true,
            // A set that costs the same is worth it only if it has lower ids.
            Ordering::Equal => {
                let mut lowest: Vec<usize> = open.map(|open| open.candidate).collect();
                lowest.sort_unstable();
                lowest.truncate(more);
                lowest.extend(&self.set);
                lowest.sort_unstable();
                lowest >= worst.set
            }
        }
    }

    /// Tries all ways to complete the set, of which the frame at `depth` knows what holds.
    fn descend(&mut self, depth: usize) {
        match self.frames.len() - 1 - depth {
            0 => self.take(depth),
            1 => self.complete(depth),
            more => self.branch(depth, more),
        }
    }

    /// The set is complete by the required sites alone.
    fn take(&mut self, depth: usize) {
        if self.frames[depth].is_satisfied() {
            let mut set = self.set.clone();
            set.sort_unstable();
            self.offer(Found { cost: self.frames[depth].cost, set });
        }
    }

    /// One candidate is missing.
    fn complete(&mut self, depth: usize) {
        let instance = self.instance;
        for place in 0..self.frames[depth].open.len() {
            let frame = &self.frames[depth];
            let Open { saving, candidate } = frame.open[place];
            let bound = frame.cost - saving;
            if self.worst().is_some_and(|worst| bound > worst.cost) || self.is_over() {
                break;
            }
            if frame.price + instance.prices[candidate] > instance.budget
                || !frame.is_satisfied_by(instance.met_by(candidate))
            {
                continue;
            }
            let cost = frame.cost_with(instance.row(candidate));
            self.spend();
            if self.worst().is_some_and(|worst| cost > worst.cost) {
                continue;
            }
            let mut set = self.set.clone();
            set.push(candidate);
            set.sort_unstable();
            self.offer(Found { cost, set });
        }
    }

    /// At least two candidates are missing.
    fn branch(&mut self, depth: usize, more: usize) {
        let instance = self.instance;
        let mut open = std::mem::take(&mut self.frames[depth].open);
        let frame = &self.frames[depth];
        let room = instance.budget - frame.price;
        open.retain(|open| instance.prices[open.candidate] + self.cheapest[more - 1] <= room);
        for open in &mut open {
            open.saving = frame.cost - frame.cost_with(instance.row(open.candidate));
        }
        open.sort_unstable_by(|a, b| {
            b.saving.total_cmp(&a.saving).then(a.candidate.cmp(&b.candidate))
        });
        let demand = frame.first_wanting();
        let fits = |open: &Open| {
            demand.is_none_or(|(word, bit)| instance.met_by(open.candidate)[word] & bit != 0)
        };
        let cost = frame.cost;
        while open.len() >= more && !self.is_over() {
            let Some(place) = open.iter().position(fits) else { break };
            let next = open.remove(place);
            let savings: f64 = open[..more - 1].iter().map(|open| open.saving).sum();
            let bound = cost - next.saving - savings;
            if self.is_hopeless(bound, more, open.iter().chain([&next])) {
                break;
            }
            self.spend();
            let (parents, children) = self.frames.split_at_mut(depth + 1);
            let child = &mut children[0];
            child.become_with(&parents[depth], instance, next.candidate);
            child.open.clone_from(&open);
            self.set.push(next.candidate);
            self.descend(depth + 1);
            self.set.pop();
        }
        self.frames[depth].open = open;
    }
}
