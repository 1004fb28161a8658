//! Members by chance: one, some, and some that go.

use std::collections::HashSet;

use super::{Item, Limits, Repr, Set};
use crate::value::intset::Intset;
use crate::value::listpack::Listpack;
use crate::value::lot::Lot;

/// Distinct members are drawn one by one while they are fewer than one in so many; else the whole
/// set is gone through.
const DRAW_BELOW: usize = 3;
/// What stays is moved to a new set if more than so many times as many members go. Redis's factor,
/// which shows in the encoding of what stays.
const MOVE_ABOVE: usize = 5;

impl Set {
    /// A member by chance.
    pub fn random(&self, rng: &mut fastrand::Rng) -> Option<Item<'_>> {
        if self.is_empty() {
            return None;
        }
        match &self.0 {
            Repr::Intset(integers) => integers.get(rng.usize(..integers.len())).map(Item::Int),
            Repr::Listpack(list) => {
                let at = list.seek(rng.usize(..list.len()) as i64)?;
                Some(list.get(at))
            }
            Repr::Table(members) => members.random(rng).map(Item::Bytes),
        }
    }

    /// As many distinct members by chance, all if there are fewer. Costs what is small: the members
    /// wanted or all of them.
    pub fn select(&self, count: usize, rng: &mut fastrand::Rng) -> Vec<Item<'_>> {
        let len = self.len();
        let count = count.min(len);
        if count == len {
            return self.iter().collect();
        }
        match &self.0 {
            Repr::Table(members) if count < len / DRAW_BELOW => {
                let mut chosen = HashSet::with_capacity(count);
                let mut selected = Vec::with_capacity(count);
                while selected.len() < count {
                    let Some(member) = members.random(rng) else { break };
                    if chosen.insert(member.as_ptr()) {
                        selected.push(Item::Bytes(member));
                    }
                }
                selected
            }
            _ => {
                let mut lot = Lot::new(count, len);
                self.iter().filter(|_| lot.draw(rng)).collect()
            }
        }
    }

    /// Takes as many distinct members out by chance, and shows each to `visit` before it goes.
    pub fn pop_many(
        &mut self,
        count: usize,
        rng: &mut fastrand::Rng,
        limits: Limits<'_>,
        mut visit: impl FnMut(Item<'_>),
    ) {
        let (len, count) = (self.len(), count.min(self.len()));
        let stay = len - count;
        let mut lot = Lot::new(count, len);
        match &mut self.0 {
            _ if stay == 0 => {
                self.iter().for_each(visit);
                *self = Set::new();
            }
            _ if count == 1 => self.pop(rng, visit),
            Repr::Intset(integers) => {
                let mut kept = Intset::new();
                for integer in integers.iter() {
                    if lot.draw(rng) {
                        visit(Item::Int(integer));
                    } else {
                        kept.insert(integer);
                    }
                }
                *integers = kept;
            }
            Repr::Listpack(list) => {
                let mut kept = Listpack::new();
                for item in list.iter() {
                    if lot.draw(rng) {
                        visit(item);
                    } else {
                        kept.push_back(item.as_bytes(&mut itoa::Buffer::new()));
                    }
                }
                *list = kept;
            }
            Repr::Table(_) if stay * MOVE_ABOVE <= count => self.keep(stay, rng, limits, visit),
            Repr::Table(_) => (0..count).for_each(|_| self.pop(rng, &mut visit)),
        }
    }

    /// Takes a member out by chance, and shows it to `visit` before it goes.
    fn pop(&mut self, rng: &mut fastrand::Rng, mut visit: impl FnMut(Item<'_>)) {
        match &mut self.0 {
            Repr::Intset(integers) => {
                let at = rng.usize(..integers.len().max(1));
                integers.remove_at(at).map(Item::Int).into_iter().for_each(visit);
            }
            Repr::Listpack(list) => {
                if let Some(at) = list.seek(rng.usize(..list.len().max(1)) as i64) {
                    visit(list.get(at));
                    list.remove(at);
                }
            }
            Repr::Table(members) => {
                if let Some(member) = members.random(rng) {
                    visit(Item::Bytes(member));
                    let (hash, place) = (members.hash(member), member.as_ptr());
                    members.take(hash, |other| other.as_ptr() == place);
                }
            }
        }
    }

    /// Moves `stay` members by chance to a new set, and shows all others to `visit`.
    fn keep(
        &mut self,
        stay: usize,
        rng: &mut fastrand::Rng,
        limits: Limits<'_>,
        mut visit: impl FnMut(Item<'_>),
    ) {
        let mut lot = Lot::new(stay, self.len());
        // As small as what stays is, a listpack it should be.
        let mut kept = Set::new_listpack();
        for member in self.iter() {
            if lot.draw(rng) {
                kept.add_item(member, limits);
            } else {
                visit(member);
            }
        }
        *self = kept;
    }
}
