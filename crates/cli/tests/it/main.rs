//! The program from outside: what it prints, how it ends, and what is left when it is killed.

mod config;
mod demo;
mod doctor;
mod harness;
mod input;
mod kill;
mod local;
mod readme;
mod serve;
