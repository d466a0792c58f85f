//! The program from outside: what it prints, how it ends, and what is left when it is killed.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod audit;
mod backup;
mod canaries;
mod collector;
mod config;
mod demo;
mod doctor;
mod harness;
mod input;
mod keys;
mod kill;
mod local;
mod people;
mod readme;
mod serve;
mod site;
mod skew;
mod stop;
mod supply;
mod support;
mod tape;
mod traces;
mod witness;
