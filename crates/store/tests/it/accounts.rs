//! Organisations, people, and what proves who someone is.

use dialtone_domain::{Role, SessionId, TokenId, UserId};
use dialtone_store::accounts::{
    self, CodeKind, Credential, NewCode, NewSession, Organisation, TakenCode, Token,
};
use dialtone_store::{Result, Tenant, Tx};

use crate::common::{a_user, an_organisation, at, id, on_both};

/// An organisation with one member.
fn with_member(tx: &mut Tx, email: &str, role: Role) -> Result<(Tenant, UserId)> {
    let tenant = accounts::create_organisation(tx, &an_organisation(&format!("of {email}")))?;
    let user = a_user(email);
    assert!(accounts::create_user(tx, &user)?);
    assert!(accounts::add_member(tx, &tenant, user.id, role, at(0))?);
    Ok((tenant, user.id))
}

fn a_session(tenant: &Tenant, user_id: UserId, hash: &[u8]) -> NewSession {
    NewSession {
        id: id(),
        token_hash: hash.to_owned(),
        org_id: tenant.org(),
        user_id,
        created_at: at(0),
        expires_at: at(100),
    }
}

fn a_token(user_id: UserId, role: Role) -> Token {
    Token {
        id: id(),
        user_id,
        name: "ci".to_owned(),
        role,
        prefix: "dt_1234".to_owned(),
        created_at: at(0),
        expires_at: Some(at(100)),
        last_used_at: None,
    }
}

#[test]
fn an_organisation_keeps_what_is_written() {
    on_both(|store, _| async move {
        let result: Result<()> = store
            .write(|tx| {
                let new =
                    Organisation { default_assistant_id: Some(id()), ..an_organisation("Ünïcode ✓") };
                let tenant = accounts::create_organisation(tx, &new)?;
                assert_eq!(accounts::organisation(tx, &tenant)?, new);
                let changed = Organisation {
                    name: "B".to_owned(),
                    default_assistant_id: None,
                    updated_at: at(7),
                    ..new
                };
                accounts::update_organisation(tx, &tenant, &changed)?;
                assert_eq!(accounts::organisation(tx, &tenant)?, changed);
                assert_eq!(accounts::tenant_by_name(tx, "B")?, Some(tenant));
                assert_eq!(accounts::tenant_by_name(tx, "C")?, None);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn people_are_known_by_address_and_belong_to_organisations_with_a_role() {
    on_both(|store, _| async move {
        let result: Result<()> = store
            .write(|tx| {
                assert!(!accounts::any_user(tx)?);
                let (ours, ada) = with_member(tx, "ada@example.com", Role::Owner)?;
                let (theirs, bob) = with_member(tx, "bob@example.com", Role::Owner)?;
                assert!(accounts::any_user(tx)?);
                assert!(!accounts::create_user(tx, &a_user("ada@example.com"))?);
                assert!(!accounts::add_member(tx, &ours, ada, Role::Viewer, at(1))?);

                accounts::set_name(tx, ada, "Ada", at(2))?;
                accounts::set_language(tx, ada, "en".parse().ok(), at(3))?;
                let user = accounts::user_by_email(tx, "ada@example.com")?.unwrap();
                assert_eq!(
                    (user.password_hash.as_str(), user.name.as_str(), user.updated_at),
                    ("$argon2id$", "Ada", at(3))
                );

                assert!(accounts::add_member(tx, &ours, bob, Role::Viewer, at(4))?);
                let members = accounts::members(tx, &ours)?;
                let roles: Vec<_> = members.iter().map(|member| (member.user_id, member.role)).collect();
                assert_eq!(roles, [(ada, Role::Owner), (bob, Role::Viewer)]);
                assert_eq!(accounts::member(tx, &theirs, ada)?, None);
                assert_eq!(accounts::member(tx, &ours, bob)?.unwrap().email, "bob@example.com");
                assert!(accounts::set_role(tx, &ours, bob, Role::Owner)?);
                assert!(!accounts::set_role(tx, &theirs, ada, Role::Owner)?);
                assert_eq!(accounts::owner_count(tx, &ours)?, 2);

                let of_bob = accounts::tenant_of_member(tx, "bob@example.com", None)?;
                assert_eq!(of_bob.len(), 2);
                let one = accounts::tenant_of_member(tx, "bob@example.com", Some("of ada@example.com"))?;
                assert!(
                    matches!(&one[..], [(tenant, user, Role::Owner)] if *tenant == ours && user.id == bob)
                );
                assert_eq!(accounts::tenant_of_member(tx, "x@example.com", None)?, []);
                assert_eq!(accounts::memberships(tx, bob)?.len(), 2);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn f2_a_session_proves_a_member_until_it_ends() {
    on_both(|store, _| async move {
        let result: Result<()> = store
            .write(|tx| {
                let (ours, ada) = with_member(tx, "ada@example.com", Role::Agent)?;
                let (theirs, _) = with_member(tx, "bob@example.com", Role::Owner)?;
                let session = a_session(&ours, ada, b"one");
                assert_eq!(accounts::create_session(tx, &session)?, Some(ours.clone()));
                assert_eq!(accounts::create_session(tx, &a_session(&theirs, ada, b"two"))?, None);

                let caller = accounts::caller_by_session(tx, b"one", at(99))?.unwrap();
                assert_eq!((&caller.tenant, caller.user_id, caller.role), (&ours, ada, Role::Agent));
                assert_eq!(caller.credential, Credential::Session(session.id));
                assert_eq!(caller.organisation, accounts::organisation(tx, &ours)?);
                assert_eq!(caller.last_used, Some(at(0)));
                accounts::touch(tx, &caller, at(61))?;
                let touched = accounts::caller_by_session(tx, b"one", at(99))?.unwrap();
                assert_eq!(touched.last_used, Some(at(61)));
                assert_eq!(accounts::caller_by_session(tx, b"one", at(100))?, None);
                assert_eq!(accounts::caller_by_session(tx, b"other", at(1))?, None);
                assert_eq!(accounts::caller_by_token(tx, b"one", at(1))?, None);

                assert!(!accounts::delete_session(tx, &theirs, session.id)?);
                assert!(accounts::delete_session(tx, &ours, session.id)?);
                assert!(!accounts::delete_session(tx, &ours, id::<SessionId>())?);
                accounts::create_session(tx, &a_session(&ours, ada, b"three"))?;
                assert_eq!(accounts::delete_expired(tx, at(99))?, 0);
                assert_eq!(accounts::delete_expired(tx, at(100))?, 1);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn a_token_may_do_no_more_than_its_owner_and_ends_with_the_membership() {
    on_both(|store, database| async move {
        let result: Result<()> = store
            .write(|tx| {
                let (ours, ada) = with_member(tx, "ada@example.com", Role::Admin)?;
                let (theirs, bob) = with_member(tx, "bob@example.com", Role::Owner)?;
                let (weak, strong) = (a_token(ada, Role::Viewer), a_token(ada, Role::Owner));
                assert!(accounts::create_token(tx, &ours, &weak, b"weak")?);
                assert!(accounts::create_token(tx, &ours, &strong, b"strong")?);
                assert!(!accounts::create_token(tx, &ours, &a_token(bob, Role::Owner), b"none")?);

                let role = |tx: &mut Tx, hash: &[u8]| -> Result<Option<Role>> {
                    Ok(accounts::caller_by_token(tx, hash, at(99))?.map(|caller| caller.role))
                };
                assert_eq!(role(tx, b"weak")?, Some(Role::Viewer));
                assert_eq!(role(tx, b"strong")?, Some(Role::Admin));
                accounts::set_role(tx, &ours, ada, Role::Agent)?;
                assert_eq!(role(tx, b"strong")?, Some(Role::Agent));
                assert_eq!(accounts::caller_by_token(tx, b"weak", at(100))?, None);

                let caller = accounts::caller_by_token(tx, b"weak", at(1))?.unwrap();
                assert_eq!((caller.credential, caller.last_used), (Credential::Token(weak.id), None));
                accounts::touch(tx, &caller, at(5))?;
                let listed = accounts::tokens(tx, &ours, Some(ada))?;
                assert_eq!(listed, [strong.clone(), Token { last_used_at: Some(at(5)), ..weak.clone() }]);
                assert_eq!(accounts::tokens(tx, &ours, Some(bob))?, []);
                assert_eq!(accounts::tokens(tx, &ours, None)?.len(), 2);
                assert_eq!(accounts::tokens(tx, &theirs, None)?, []);

                assert!(!accounts::delete_token(tx, &theirs, weak.id, None)?);
                assert!(!accounts::delete_token(tx, &ours, weak.id, Some(bob))?);
                assert!(accounts::delete_token(tx, &ours, weak.id, Some(ada))?);
                assert!(!accounts::delete_token(tx, &ours, id::<TokenId>(), None)?);
                accounts::create_session(tx, &a_session(&ours, ada, b"session"))?;
                assert!(accounts::remove_member(tx, &ours, ada)?);
                assert!(!accounts::remove_member(tx, &ours, ada)?);
                assert_eq!(role(tx, b"strong")?, None);
                assert_eq!(accounts::caller_by_session(tx, b"session", at(1))?, None);
                Ok(())
            })
            .await;
        result.unwrap();
        assert_eq!(database.count("sessions") + database.count("tokens"), 0);
    });
}

#[test]
fn a_code_works_once_and_in_its_time() {
    on_both(|store, _| async move {
        let result: Result<()> = store
            .write(|tx| {
                let (ours, ada) = with_member(tx, "ada@example.com", Role::Owner)?;
                let code = |hash: &[u8], kind, subject| NewCode {
                    hash: hash.to_owned(),
                    kind,
                    subject,
                    created_at: at(0),
                    expires_at: at(10),
                };
                let (setup, sign_in) = (CodeKind::Setup, CodeKind::SignIn);
                accounts::put_code(tx, &code(b"s", setup, None))?;
                accounts::put_code(tx, &code(b"i", sign_in, Some((ours.org(), ada))))?;
                accounts::put_code(tx, &code(b"late", sign_in, Some((ours.org(), ada))))?;
                assert_eq!(accounts::take_code(tx, b"i", setup, at(1))?, None);
                let taken = TakenCode { org_id: Some(ours.org()), user_id: Some(ada), expires_at: at(10) };
                assert_eq!(accounts::take_code(tx, b"i", sign_in, at(9))?, Some(taken));
                assert_eq!(accounts::take_code(tx, b"i", sign_in, at(9))?, None);
                assert_eq!(accounts::take_code(tx, b"late", sign_in, at(10))?, None);
                assert_eq!(accounts::delete_codes(tx, setup)?, 1);
                assert_eq!(accounts::take_code(tx, b"s", setup, at(1))?, None);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn rows_show_nothing_when_they_are_printed() {
    let user = a_user("ada@example.com");
    let printed = format!("{user:?}");
    assert!(!printed.contains("ada@") && !printed.contains("argon2"), "{printed}");
}
