//! The effects of writes, as the journal will receive them.
//!
//! An effect is a request that does to another keyspace what was done to this one: a database and
//! arguments by name. Whoever holds the box drains them before the box changes hands, so that no
//! effect is ever ahead of its causes. While nobody listens, nothing is recorded.

/// One effect: a request in a logical database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Logical database it applies to.
    pub db: u16,
    /// Arguments, the command's name first.
    pub args: Vec<Vec<u8>>,
}

/// Effects in order, as one unit: those of one command, or of one transaction.
pub type EffectUnit = Vec<Effect>;

/// Collects effects while a box is held.
#[derive(Default)]
pub struct EffectBuffer {
    listening: bool,
    units: Vec<EffectUnit>,
    open: EffectUnit,
    in_unit: bool,
}

impl EffectBuffer {
    /// Starts recording.
    pub fn listen(&mut self) {
        self.listening = true;
    }

    /// Whether anyone listens; if not, nothing need be built.
    pub fn is_listening(&self) -> bool {
        self.listening
    }

    /// Records an effect.
    pub fn push(&mut self, db: u16, args: Vec<Vec<u8>>) {
        if !self.listening {
            return;
        }
        self.open.push(Effect { db, args });
        if !self.in_unit {
            self.close();
        }
    }

    /// Appends what another buffer holds: what happened in another box while this one records for
    /// all of them.
    pub fn absorb(&mut self, other: &mut EffectBuffer) {
        for effect in other.drain().into_iter().flatten() {
            self.push(effect.db, effect.args);
        }
    }

    /// What follows, up to [`EffectBuffer::end_unit`], stands or falls together.
    pub fn begin_unit(&mut self) {
        self.in_unit = true;
    }

    /// Ends a unit.
    pub fn end_unit(&mut self) {
        self.in_unit = false;
        self.close();
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.units.push(std::mem::take(&mut self.open));
        }
    }

    /// Takes what was recorded.
    pub fn drain(&mut self) -> Vec<EffectUnit> {
        std::mem::take(&mut self.units)
    }

    /// Whether there is nothing to drain.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}
