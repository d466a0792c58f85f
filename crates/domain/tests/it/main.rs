//! The line engine and the texts, from outside: decision tables row by row, and properties over any state.

mod arbitrary;
mod causes;
mod checklist;
mod converge;
mod line;
mod model;
mod precedence;
mod snapshot;
mod texts;
