//! A bounded queue between async callers, who never wait at it, and threads, who do.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Why something could not be queued.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

/// First in, first out, for many senders and many receivers.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    limit: usize,
}

struct State<T> {
    /// Each with when it came.
    items: VecDeque<(Instant, T)>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::new(State { items: VecDeque::new(), closed: false }),
            filled: Condvar::new(),
            limit,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, item: T) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.items.len() >= self.limit {
            return Err(Refused::Full);
        }
        state.items.push_back((Instant::now(), item));
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for the next item; `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some((_, item)) = state.items.pop_front() {
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next item if one is there that came before that time.
    pub(crate) fn pop_from_before(&self, time: Instant) -> Option<T> {
        let mut state = self.state();
        state.items.front().filter(|(came, _)| *came < time)?;
        state.items.pop_front().map(|(_, item)| item)
    }

    /// Takes no more; what is queued is still handed out.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_is_emptied() {
        let queue = Queue::new(2);
        assert_eq!([1, 2, 3].map(|item| queue.push(item)), [Ok(()), Ok(()), Err(Refused::Full)]);
        queue.close();
        assert_eq!(queue.push(4), Err(Refused::Closed));
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(1), Some(2), None]);
    }

    #[test]
    fn what_came_later_stays() {
        let queue = Queue::new(2);
        queue.push(1).unwrap();
        let between = Instant::now();
        queue.push(2).unwrap();
        assert_eq!([queue.pop_from_before(between), queue.pop_from_before(between)], [Some(1), None]);
        assert_eq!(queue.pop(), Some(2));
    }
}
