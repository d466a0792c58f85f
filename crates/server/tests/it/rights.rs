//! Rights only ever come from somebody who has them, and an owner always stays (case T13 of SECURITY.md): random
//! sequences of everything that gives or takes rights, by callers who may have lost theirs meanwhile.

use dialtone_app::{App, Caller, Device, Invitation, Member, MemberChange, NewToken, SignIn, Token};
use dialtone_domain::{ExposeSecret, Permission, Rights, Role, Scopes, SecretString, TokenId, UserId};
use dialtone_testkit::{Engine, PASSWORD, TestServer};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, HashMap};

/// Enough to meet every pair of operations; `DIALTONE_TEST_LONG=1` plays a hundred thousand.
const OPERATIONS: usize = 400;
/// Those who come and go; the one behind the last of them is the first owner.
const PEOPLE: usize = 5;
/// Callers that were let in at some time, and act later.
const CALLERS_MAX: usize = 12;

#[derive(Debug, Clone)]
enum Operation {
    Invite {
        by: usize,
        whom: usize,
        role: Role,
    },
    Accept {
        whom: usize,
    },
    Change {
        by: usize,
        whom: usize,
        change: MemberChange,
    },
    Remove {
        by: usize,
        whom: usize,
    },
    MakeToken {
        by: usize,
        role: Role,
        scopes: Option<Scopes>,
    },
    /// A member comes with all that they may, and may act from now on.
    Come {
        whom: usize,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    let (by, whom) = (0..CALLERS_MAX, 0..=PEOPLE);
    let role = || prop::sample::select(Role::ALL.to_vec());
    let some = ["members.change", "tokens.own", "lines.read", "members.change tokens.own lines.read"];
    let scopes = prop::option::weighted(0.4, prop::sample::select(some.to_vec()));
    let scopes = scopes.prop_map(|names| names.map(|names| names.parse().unwrap()));
    let change = (prop::option::of(role()), prop::option::of(any::<bool>()));
    let change = change.prop_map(|(role, suspended)| MemberChange { role, suspended });
    prop_oneof![
        3 => (by.clone(), whom.clone(), role()).prop_map(|(by, whom, role)| Operation::Invite { by, whom, role }),
        3 => whom.clone().prop_map(|whom| Operation::Accept { whom }),
        6 => (by.clone(), whom.clone(), change).prop_map(|(by, whom, change)| Operation::Change { by, whom, change }),
        1 => (by.clone(), whom.clone()).prop_map(|(by, whom)| Operation::Remove { by, whom }),
        3 => (by, role(), scopes).prop_map(|(by, role, scopes)| Operation::MakeToken { by, role, scopes }),
        8 => whom.prop_map(|whom| Operation::Come { whom }),
    ]
}

fn email(whom: usize) -> String {
    if whom == PEOPLE { "owner@example.com".to_owned() } else { format!("p{whom}@example.com") }
}

/// All that anybody may do in the organisation at one moment.
struct Seen {
    members: BTreeMap<UserId, Member>,
    tokens: HashMap<TokenId, Token>,
    invitations: Vec<Invitation>,
}

impl Seen {
    /// What a member may do now; nothing where they are suspended or none.
    fn of_member(&self, user: UserId) -> Option<Rights> {
        let member = self.members.get(&user)?;
        member.suspended_at.is_none().then(|| member.role.into())
    }

    /// What a caller may do now, whatever they could when they were let in.
    fn of_caller(&self, caller: &Caller) -> Option<Rights> {
        let dialtone_app::Credential::Token(id) = caller.credential else { panic!("only tokens act here") };
        let token = self.tokens.get(&id)?;
        let own = self.of_member(token.user_id)?;
        Some(Rights { role: own.role.min(token.role), scopes: token.scopes })
    }
}

/// An organisation, five people who each have one of their own besides, and what they have in hand.
struct Play {
    world: TestServer,
    /// Sees everything, and is never acted upon.
    observer: Caller,
    /// Each person, signed in at home.
    people: Vec<Caller>,
    callers: Vec<Caller>,
    /// The last invitation's secret for each.
    secrets: Vec<Option<SecretString>>,
}

impl Play {
    async fn begin(engine: Engine) -> Option<Self> {
        let world = TestServer::start(engine).await?;
        let token = world.add_user("observer@example.com", "Acme", Role::Viewer).await;
        let observer = world.app.caller_by_token(&token).await.unwrap().unwrap();
        let observer = Caller { role: Role::Owner, ..observer };
        let (address, user_agent) = ([127, 0, 0, 1].into(), String::new());
        let device = Device { address, user_agent, known: Vec::new(), ceremony: None };
        let mut people = Vec::new();
        for whom in 0..=PEOPLE {
            if whom < PEOPLE {
                world.add_user(&email(whom), &format!("Home {whom}"), Role::Owner).await;
            }
            let SignIn::Done(session) =
                world.app.sign_in(&email(whom), PASSWORD.into(), &device).await.unwrap()
            else {
                panic!("nobody has a second factor")
            };
            people.push(session.caller);
        }
        let owner =
            world.app.local_create_token("owner@example.com", Some("Acme"), Role::Owner).await.unwrap();
        let owner = world.app.caller_by_token(owner.expose_secret()).await.unwrap().unwrap();
        let secrets = vec![None; PEOPLE + 1];
        Some(Self { world, observer, people, callers: vec![owner], secrets })
    }

    fn app(&self) -> &App {
        &self.world.app
    }

    async fn look(&self) -> Seen {
        let members = self.app().members(&self.observer).await.unwrap();
        let tokens = self.app().tokens(&self.observer).await.unwrap();
        Seen {
            members: members.into_iter().map(|member| (member.user_id, member)).collect(),
            tokens: tokens.into_iter().map(|token| (token.id, token)).collect(),
            invitations: self.app().invitations(&self.observer).await.unwrap(),
        }
    }

    fn caller(&self, by: usize) -> &Caller {
        &self.callers[by % self.callers.len()]
    }

    /// Does it, and answers whose rights it was done with.
    async fn play(&mut self, operation: &Operation, before: &Seen) -> Option<Rights> {
        match operation {
            Operation::Invite { by, whom, role } => {
                let caller = self.caller(*by).clone();
                if let Ok(made) = self.app().invite(&caller, &email(*whom), *role).await {
                    let link = made.link.unwrap().expose_secret().to_owned();
                    self.secrets[*whom] = link.rsplit('/').next().map(Into::into);
                }
                before.of_caller(&caller)
            }
            Operation::Accept { whom } => {
                let waits = |one: &&usize| self.secrets[**one].is_some();
                let whom = (0..=PEOPLE).cycle().skip(*whom).take(PEOPLE + 1).collect::<Vec<_>>();
                let whom = *whom.iter().find(waits)?;
                let secret = self.secrets[whom].take()?;
                let maker = before.invitations.iter().find(|one| one.email == email(whom));
                // Refusals are for `check` to miss no change from; that is all that matters of them.
                let _ = self.app().accept_invitation(&self.people[whom], &secret).await;
                before.of_member(maker?.invited_by)
            }
            Operation::Change { by, whom, change } => {
                let _ = self.app().change_member(self.caller(*by), self.people[*whom].user_id, *change).await;
                before.of_caller(self.caller(*by))
            }
            Operation::Remove { by, whom } => {
                let _ = self.app().remove_member(self.caller(*by), self.people[*whom].user_id).await;
                before.of_caller(self.caller(*by))
            }
            Operation::MakeToken { by, role, scopes } => {
                let caller = self.caller(*by).clone();
                let new = NewToken { name: "t".to_owned(), role: *role, scopes: *scopes, expires_at: None };
                if let Ok((_, secret)) = self.app().create_token(&caller, new).await {
                    self.comes(&secret).await;
                }
                before.of_caller(&caller)
            }
            Operation::Come { whom } => {
                let comers = before.members.values().filter(|member| member.user_id != self.observer.user_id);
                let comers: Vec<_> = comers.collect();
                let comer = comers[whom % comers.len()];
                let made = self.app().local_create_token(&comer.email, Some("Acme"), comer.role).await;
                if let Ok(secret) = &made {
                    self.comes(secret).await;
                }
                before.of_member(comer.user_id)
            }
        }
    }

    /// Whoever has that token is let in, and may act long after that.
    async fn comes(&mut self, secret: &SecretString) {
        let caller = self.app().caller_by_token(secret.expose_secret()).await.unwrap();
        self.callers.extend(caller);
        if self.callers.len() > CALLERS_MAX {
            self.callers.remove(0);
        }
    }
}

fn owners(seen: &Seen) -> usize {
    let acts = |member: &&Member| member.role == Role::Owner && member.suspended_at.is_none();
    seen.members.values().filter(acts).count()
}

/// What was gained came from somebody who had it, and nothing was taken from above.
fn check(own: Option<Rights>, before: &Seen, after: &Seen) {
    assert!(owners(after) >= 1, "an owner always stays");
    let users = before.members.keys().chain(after.members.keys());
    for user in users {
        let (was, is) = (before.of_member(*user), after.of_member(*user));
        if was == is {
            continue;
        }
        let own = own.expect("who has no right changes nothing");
        assert!(own.may(Permission::MembersChange), "{own:?} changed a member");
        if let Some(is) = is.filter(|is| was.is_none_or(|was| was.role < is.role)) {
            assert!(own.cover(is), "{own:?} granted {is:?}");
        }
        let role = |seen: &Seen| seen.members.get(user).map(|member| member.role);
        assert!(role(before).is_none_or(|role| role <= own.role), "{own:?} changed somebody above");
    }
    for token in after.tokens.values().filter(|token| !before.tokens.contains_key(&token.id)) {
        let rights = Rights { role: token.role, scopes: token.scopes };
        let own = own.expect("who has no right makes no token");
        assert!(own.cover(rights) && own.may(Permission::TokensOwn), "{own:?} made a token of {rights:?}");
    }
}

async fn random_operations(engine: Engine, count: usize) {
    let Some(mut play) = Play::begin(engine).await else { return };
    let (mut runner, operations) = (TestRunner::deterministic(), operation());
    let mut before = play.look().await;
    let (mut changed, mut most) = (0, 0);
    for number in 0..count {
        let operation = operations.new_tree(&mut runner).unwrap().current();
        let own = play.play(&operation, &before).await;
        let after = play.look().await;
        let (was, is) = (&before, &after);
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(own, was, is)));
        assert!(good.is_ok(), "operation {number}: {operation:?}");
        changed += usize::from(before.members != after.members);
        most = most.max(after.members.len());
        before = after;
    }
    assert!(changed * 30 > count && most > 3, "the play does something: {changed} changes, {most} members");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_rights_only_come_from_who_has_them_sqlite() {
    let long = std::env::var_os("DIALTONE_TEST_LONG").is_some();
    random_operations(Engine::Sqlite, if long { 100_000 } else { OPERATIONS }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_rights_only_come_from_who_has_them_postgres() {
    random_operations(Engine::Postgres, OPERATIONS / 2).await;
}

/// Two owners take the role from each other at the same moment: one of them stays, and whoever lost it cannot give
/// it back to themselves with a request that is under way.
async fn race(engine: Engine) {
    let Some(play) = Play::begin(engine).await else { return };
    let owner = play.callers[0].clone();
    for round in 0..12 {
        let whom = round % PEOPLE;
        let token = match play.app().invite(&owner, &email(whom), Role::Owner).await {
            Ok(made) => {
                let secret = made.link.unwrap().expose_secret().rsplit('/').next().unwrap().into();
                play.app().accept_invitation(&play.people[whom], &secret).await.unwrap();
                play.app().local_create_token(&email(whom), Some("Acme"), Role::Owner).await.unwrap()
            }
            Err(problem) => panic!("{problem:?}"),
        };
        let other = play.app().caller_by_token(token.expose_secret()).await.unwrap().unwrap();
        let lower = MemberChange { role: Some(Role::Viewer), suspended: None };
        let (app, mine, theirs) = (play.app(), owner.user_id, other.user_id);
        let (first, second, third) = tokio::join!(
            app.change_member(&owner, theirs, lower),
            app.change_member(&other, mine, lower),
            app.change_member(&other, theirs, MemberChange { role: Some(Role::Owner), suspended: None }),
        );
        let seen = play.look().await;
        assert!(owners(&seen) >= 1, "{first:?} {second:?} {third:?}");
        assert!(first.is_ok() != second.is_ok(), "one of them was first: {first:?} {second:?}");
        // Put back for the next round.
        if second.is_ok() {
            app.change_member(&other, mine, MemberChange { role: Some(Role::Owner), suspended: None })
                .await
                .unwrap();
        }
        app.remove_member(&owner, theirs).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_two_owners_who_lower_each_other_leave_one_sqlite() {
    race(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_two_owners_who_lower_each_other_leave_one_postgres() {
    race(Engine::Postgres).await;
}
