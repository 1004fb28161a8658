//! Models for loom: every interleaving of the small protocols of this room, with the code that runs.
//!
//! `scripts/test loom` checks them. Channels are modelled by a queue behind loom's mutex, since
//! crossbeam's are not known to loom; everything else is real. Models were seen to fail with the
//! protocol broken:
//! - bell and desk: without the fence in `Bell::ring` or in `prepare`, and without the ring in
//!   `give_back`;
//! - epoch: with a relaxed store in `publish`, and with a relaxed load in `is_published`;
//! - rendezvous: counted in before the box is put down, and counted by a load and a store. Not with
//!   a relaxed count: loom has every read-modify-write see the latest value.

use std::collections::VecDeque;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;

use super::{Attempt, Bell, Desk, Epoch, Rendezvous, Ticket, borrow, give_back};

/// Explores every interleaving with so many preemptions: all known races of this kind need no more,
/// and without a bound one model takes hours.
fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(check);
}

/// A channel, as far as the protocols look at it.
#[derive(Default)]
struct Queue(Mutex<VecDeque<u32>>);

impl Queue {
    fn push(&self, value: u32) {
        self.0.lock().expect("no thread panics").push_back(value);
    }

    fn pop(&self) -> Option<u32> {
        self.0.lock().expect("no thread panics").pop_front()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().expect("no thread panics").is_empty()
    }
}

#[test]
fn loom_two_borrowers_never_hold_one_box() {
    model(|| {
        let desk = Arc::new(Desk::new(Some(Box::new(0))));
        let bell = Arc::new(Bell::new());
        let held = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (desk, bell, held) = (desk.clone(), bell.clone(), held.clone());
                thread::spawn(move || {
                    let Some(mut value) = borrow(&desk, &bell, || true) else { return };
                    assert_eq!(held.fetch_add(1, Ordering::SeqCst), 0, "two hold the box");
                    *value += 1;
                    held.fetch_sub(1, Ordering::SeqCst);
                    give_back(&desk, &bell, value, || true);
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no thread panics");
        }
        assert!(*desk.take().expect("the box is home") >= 1);
    });
}

/// The owner's loop: the box before the batch, and rest only after a last look.
fn own_one(desk: &Desk<u32>, bell: &Bell, queue: &Queue) -> u32 {
    bell.adopt();
    let serve = || {
        if queue.is_empty() {
            return None;
        }
        let value = desk.take()?;
        let request = queue.pop();
        desk.put(value);
        request
    };
    loop {
        if let Some(request) = serve() {
            return request;
        }
        bell.prepare_park();
        if let Some(request) = serve() {
            bell.awake();
            return request;
        }
        bell.park(None);
    }
}

#[test]
fn loom_a_batch_queued_while_the_box_is_lent_is_served() {
    model(|| {
        let desk = Arc::new(Desk::new(Some(Box::new(0))));
        let bell = Arc::new(Bell::new());
        let queue = Arc::new(Queue::default());
        let borrower = {
            let (desk, bell, queue) = (desk.clone(), bell.clone(), queue.clone());
            thread::spawn(move || {
                if let Some(value) = borrow(&desk, &bell, || queue.is_empty()) {
                    give_back(&desk, &bell, value, || queue.is_empty());
                }
            })
        };
        let sender = {
            let (bell, queue) = (bell.clone(), queue.clone());
            thread::spawn(move || {
                queue.push(7);
                bell.ring();
            })
        };
        // A ring that is lost would leave the owner parked: loom reports the deadlock.
        assert_eq!(own_one(&desk, &bell, &queue), 7);
        borrower.join().expect("no thread panics");
        sender.join().expect("no thread panics");
        assert!(desk.take().is_some(), "the box is home");
    });
}

#[test]
fn loom_a_ring_is_not_lost_by_who_polls() {
    model(|| {
        let bell = Arc::new(Bell::new());
        let news = Arc::new(AtomicBool::new(false));
        let poller = Arc::new(Notify::new());
        let waker = poller.clone();
        bell.set_poller(Box::new(move || waker.notify()));
        let ringer = {
            let (bell, news) = (bell.clone(), news.clone());
            thread::spawn(move || {
                news.store(true, Ordering::Relaxed);
                bell.ring();
            })
        };
        bell.prepare_poll();
        // loom's poller may also wake up for no reason.
        while !news.load(Ordering::Relaxed) {
            poller.wait();
        }
        bell.awake();
        ringer.join().expect("no thread panics");
    });
}

#[test]
fn loom_no_part_starts_before_all_are_placed() {
    model(|| {
        let epoch = Arc::new(Epoch::new());
        let first = Arc::new(Queue::default());
        let second_is_placed = Arc::new(AtomicBool::new(false));
        let acceptor = {
            let (epoch, first) = (epoch.clone(), first.clone());
            let second_is_placed = second_is_placed.clone();
            thread::spawn(move || {
                first.push(1);
                second_is_placed.store(true, Ordering::Relaxed);
                epoch.publish(1);
            })
        };
        if first.pop().is_some() {
            while !epoch.is_published(1) {
                thread::yield_now();
            }
            assert!(second_is_placed.load(Ordering::Relaxed), "half of it could be seen");
        }
        acceptor.join().expect("no thread panics");
    });
}

/// One owner's way through a meeting: hands its box over, and runs it or waits at home.
fn attend(
    number: u16,
    meeting: &Rendezvous<u16, u32>,
    homes: &[(Desk<u16>, Bell)],
    mine: Box<u16>,
) -> Box<u16> {
    if let Some((boxes, job)) = meeting.arrive(number, mine) {
        assert_eq!(boxes.len(), 2);
        meeting.finish(Box::new(*job + 1));
        let mut own = None;
        for value in boxes {
            if *value == number {
                own = Some(value);
            } else {
                let (home, bell) = &homes[*value as usize];
                home.put(value);
                bell.ring();
            }
        }
        return own.expect("every participant's box is there");
    }
    let (home, bell) = &homes[number as usize];
    loop {
        if let Some(value) = home.take() {
            return value;
        }
        bell.prepare_park();
        if let Some(value) = home.take() {
            bell.awake();
            return value;
        }
        bell.park(None);
    }
}

#[test]
fn loom_two_meetings_in_one_order_both_take_place() {
    model(|| {
        let meetings: Arc<Vec<_>> =
            Arc::new((0..2).map(|job| Rendezvous::new(vec![0, 1], Box::new(job))).collect());
        let homes: Arc<Vec<_>> = Arc::new((0..2).map(|_| (Desk::new(None), Bell::new())).collect());
        let owner = |number: u16| {
            let (meetings, homes) = (meetings.clone(), homes.clone());
            move || {
                homes[number as usize].1.adopt();
                let mut mine = Box::new(number);
                for meeting in meetings.iter() {
                    mine = attend(number, meeting, &homes, mine);
                }
                assert_eq!(*mine, number);
            }
        };
        let other = thread::spawn(owner(1));
        owner(0)();
        other.join().expect("no thread panics");
        let results: Vec<_> = meetings.iter().map(|meeting| meeting.result()).collect();
        assert_eq!(results, [Some(Box::new(1)), Some(Box::new(2))]);
    });
}

/// What a blocked command leaves for its acceptor.
struct Call {
    ticket: Ticket,
    outcome: Desk<u32>,
    pushed: Queue,
    bell: Bell,
}

impl Call {
    fn new() -> Call {
        let (ticket, outcome) = (Ticket::new(), Desk::new(None));
        Call { ticket, outcome, pushed: Queue::default(), bell: Bell::new() }
    }

    /// One of its keys has changed: serves it, if nobody else does.
    fn serve(&self, by: u32) -> Attempt {
        let attempt = self.ticket.try_serve();
        if attempt == Attempt::Granted {
            self.ticket.served();
            self.outcome.put(Box::new(by));
            self.pushed.push(by);
            self.bell.ring();
        }
        attempt
    }

    /// The acceptor's way to the outcome once the wait is over.
    fn await_outcome(&self, poller: &Notify) -> u32 {
        loop {
            self.bell.prepare_poll();
            if self.pushed.pop().is_some() {
                self.bell.awake();
                return *self.outcome.take().expect("the outcome is there before the push");
            }
            poller.wait();
            self.bell.awake();
        }
    }
}

#[test]
fn loom_a_blocked_command_is_served_once_or_given_up() {
    model(|| {
        let call = Arc::new(Call::new());
        let poller = Arc::new(Notify::new());
        let waker = poller.clone();
        call.bell.set_poller(Box::new(move || waker.notify()));
        let servers: Vec<_> = (1..=2)
            .map(|by| {
                let call = call.clone();
                thread::spawn(move || call.serve(by))
            })
            .collect();
        let given_up = call.ticket.end();
        let outcome = if given_up { None } else { Some(call.await_outcome(&poller)) };
        let attempts: Vec<_> =
            servers.into_iter().map(|server| server.join().expect("no thread panics")).collect();
        let served = attempts.iter().filter(|attempt| **attempt == Attempt::Granted).count();
        assert_eq!(served, usize::from(!given_up), "{attempts:?}");
        assert_eq!(outcome.is_some(), !given_up);
        assert!(call.ticket.is_over() && call.outcome.take().is_none());
    });
}

#[test]
fn loom_who_gives_up_waits_for_an_attempt_that_fails() {
    model(|| {
        let call = Arc::new(Call::new());
        let server = {
            let call = call.clone();
            thread::spawn(move || {
                if call.ticket.try_serve() == Attempt::Granted {
                    call.ticket.not_served();
                }
            })
        };
        assert!(call.ticket.end(), "nobody has served it");
        server.join().expect("no thread panics");
        assert_eq!(call.ticket.try_serve(), Attempt::Over);
    });
}
