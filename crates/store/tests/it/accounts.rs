//! Organisations, people, and what proves who someone is.

use dialtone_domain::{Permission, Role, SessionId, TokenId, UserId};
use dialtone_store::accounts::{
    self, CodeKind, Credential, Invitation, NewCode, NewSession, Organisation, TakenCode, Token, User,
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
        address: "192.0.2.1".to_owned(),
        user_agent: "a browser".to_owned(),
        created_at: at(0),
        expires_at: at(100),
        ends_at: at(150),
    }
}

fn a_token(user_id: UserId, role: Role) -> Token {
    Token {
        id: id(),
        user_id,
        name: "ci".to_owned(),
        role,
        scopes: None,
        prefix: "dt_1234".to_owned(),
        created_at: at(0),
        expires_at: Some(at(100)),
        last_used_at: None,
        made_by: None,
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

                let user = accounts::user(tx, ada)?.unwrap();
                let zone = Some("Europe/Paris".to_owned());
                let changed = User {
                    name: "Ada".to_owned(),
                    language: "en".parse().ok(),
                    time_zone: zone,
                    updated_at: at(3),
                    ..user
                };
                accounts::update_user(tx, &changed)?;
                assert_eq!(accounts::user_by_email(tx, "ada@example.com")?, Some(changed.clone()));
                accounts::set_password(tx, ada, "$new$", at(4))?;
                let expected = User { password_hash: "$new$".to_owned(), updated_at: at(4), ..changed };
                assert_eq!(accounts::user(tx, ada)?, Some(expected));

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
                let names = |tx: &mut Tx| -> Result<Vec<String>> {
                    Ok(accounts::memberships(tx, bob)?.into_iter().map(|one| one.org_name).collect())
                };
                assert_eq!(names(tx)?, ["of ada@example.com", "of bob@example.com"]);
                accounts::create_session(tx, &a_session(&theirs, bob, b"last"))?;
                assert_eq!(
                    names(tx)?,
                    ["of bob@example.com", "of ada@example.com"],
                    "the last used one first"
                );
                assert_eq!(accounts::tenants_of(tx, bob)?.len(), 2);
                assert!(accounts::set_suspended(tx, &ours, bob, Some(at(5)))?);
                assert_eq!(names(tx)?, ["of bob@example.com"]);
                assert_eq!(accounts::owner_count(tx, &ours)?, 1);
                assert_eq!(accounts::organisation_names(tx)?.len(), 2);
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
                accounts::touch_session(tx, &theirs, session.id, at(60), at(140))?;
                accounts::touch_session(tx, &ours, session.id, at(61), at(120))?;
                let touched = accounts::caller_by_session(tx, b"one", at(119))?.unwrap();
                assert_eq!(touched.last_used, Some(at(61)));
                accounts::touch_session(tx, &ours, session.id, at(62), at(200))?;
                assert_eq!(
                    accounts::caller_by_session(tx, b"one", at(150))?,
                    None,
                    "it has an end in any case"
                );
                assert_eq!(accounts::caller_by_session(tx, b"other", at(1))?, None);
                assert_eq!(accounts::caller_by_token(tx, b"one", at(1))?, None);
                assert_eq!(
                    accounts::caller_again(tx, &caller, at(1))?.map(|again| again.role),
                    Some(Role::Agent)
                );

                let listed = accounts::sessions(tx, ada, at(1))?;
                assert_eq!((listed.len(), listed[0].address.as_str()), (1, "192.0.2.1"));
                assert_eq!(accounts::sessions(tx, ada, at(150))?, []);
                assert_eq!(accounts::session_end(tx, ada, session.id)?, Some(at(150)));
                assert!(!accounts::renew_session(tx, ada, session.id, theirs.org(), b"new", at(2))?);
                assert!(accounts::renew_session(tx, ada, session.id, ours.org(), b"new", at(2))?);
                assert_eq!(accounts::caller_by_session(tx, b"one", at(3))?, None);
                assert!(accounts::caller_by_session(tx, b"new", at(3))?.is_some());
                accounts::set_suspended(tx, &ours, ada, Some(at(4)))?;
                assert_eq!(accounts::caller_by_session(tx, b"new", at(5))?, None);
                assert_eq!(accounts::caller_again(tx, &caller, at(5))?, None);
                assert_eq!(accounts::create_session(tx, &a_session(&ours, ada, b"no"))?, None);
                accounts::set_suspended(tx, &ours, ada, None)?;

                assert!(!accounts::delete_session(tx, id(), session.id)?);
                assert!(accounts::delete_session(tx, ada, session.id)?);
                assert!(!accounts::delete_session(tx, ada, id::<SessionId>())?);
                let kept = a_session(&ours, ada, b"kept");
                accounts::create_session(tx, &kept)?;
                accounts::create_session(tx, &a_session(&ours, ada, b"four"))?;
                assert_eq!(accounts::delete_sessions_of(tx, ada, Some(kept.id))?, 1);
                assert_eq!(accounts::delete_sessions_in(tx, &theirs, ada)?, 0);
                assert_eq!(accounts::delete_sessions_in(tx, &ours, ada)?, 1);
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
                accounts::touch_token(tx, &ours, weak.id, at(5))?;
                let listed = accounts::tokens(tx, &ours, Some(ada))?;
                assert_eq!(listed, [strong.clone(), Token { last_used_at: Some(at(5)), ..weak.clone() }]);
                assert_eq!(accounts::tokens(tx, &ours, Some(bob))?, []);
                assert_eq!(accounts::tokens(tx, &ours, None)?.len(), 2);
                assert_eq!(accounts::tokens(tx, &theirs, None)?, []);

                let scopes = Some([Permission::LinesRead].into_iter().collect());
                let narrow = Token { scopes, expires_at: None, ..a_token(ada, Role::Agent) };
                assert!(accounts::create_token(tx, &ours, &narrow, b"narrow")?);
                let caller = accounts::caller_by_token(tx, b"narrow", at(1))?.unwrap();
                assert!(caller.may(Permission::LinesRead) && !caller.may(Permission::TokensOwn));
                assert!(accounts::delete_token(tx, &ours, narrow.id, None)?);
                accounts::set_suspended(tx, &ours, ada, Some(at(1)))?;
                assert_eq!(role(tx, b"strong")?, None);
                assert!(!accounts::create_token(tx, &ours, &a_token(ada, Role::Viewer), b"no")?);
                accounts::set_suspended(tx, &ours, ada, None)?;

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
                let code = |hash: &[u8], kind, subject: Option<(_, _)>| NewCode {
                    hash: hash.to_owned(),
                    kind,
                    org_id: subject.map(|(org, _)| org),
                    user_id: subject.map(|(_, user)| user),
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

                let reset = CodeKind::Reset;
                accounts::put_code(tx, &code(b"r", reset, Some((ours.org(), ada))))?;
                assert!(accounts::has_code(tx, b"r", reset, at(9))?);
                assert!(!accounts::has_code(tx, b"r", sign_in, at(9))?);
                assert!(!accounts::has_code(tx, b"r", reset, at(10))?);
                assert_eq!(accounts::delete_codes_of(tx, ada)?, 1);
                assert!(!accounts::has_code(tx, b"r", reset, at(9))?);
                Ok(())
            })
            .await;
        result.unwrap();
    });
}

#[test]
fn t53_an_invitation_is_found_by_its_hash_and_goes_with_its_maker() {
    on_both(|store, database| async move {
        let result: Result<()> = store
            .write(|tx| {
                let (ours, ada) = with_member(tx, "ada@example.com", Role::Owner)?;
                let (theirs, _) = with_member(tx, "bob@example.com", Role::Owner)?;
                let new = || Invitation {
                    mailed: false,
                    id: id(),
                    email: "new@example.com".to_owned(),
                    role: Role::Agent,
                    invited_by: ada,
                    created_at: at(0),
                    expires_at: at(10),
                    inviter: "Zoë".to_owned(),
                };
                let (first, second) = (new(), new());
                accounts::put_invitation(tx, &ours, &first, b"first")?;
                accounts::put_invitation(tx, &ours, &second, b"second")?;
                assert_eq!(
                    accounts::invitations(tx, &ours, at(9))?,
                    std::slice::from_ref(&second),
                    "one for each address"
                );
                assert_eq!(accounts::invitations(tx, &ours, at(10))?, []);
                assert_eq!(accounts::invitations(tx, &theirs, at(9))?, []);
                assert_eq!(accounts::open_invitation(tx, b"first", at(9))?, None);
                let (tenant, found) = accounts::open_invitation(tx, b"second", at(9))?.unwrap();
                assert_eq!((&tenant, found.id, found.inviter_role), (&ours, second.id, Role::Owner));
                assert_eq!(accounts::open_invitation(tx, b"second", at(10))?, None);
                accounts::set_suspended(tx, &ours, ada, Some(at(1)))?;
                assert_eq!(accounts::open_invitation(tx, b"second", at(9))?, None);
                assert!(!accounts::delete_invitation(tx, &theirs, second.id)?);
                assert!(accounts::delete_invitation(tx, &ours, second.id)?);
                accounts::put_invitation(tx, &ours, &first, b"first")?;
                accounts::remove_member(tx, &ours, ada)?;
                Ok(())
            })
            .await;
        result.unwrap();
        assert_eq!(database.count("invitations"), 0);
    });
}

#[test]
fn rows_show_nothing_when_they_are_printed() {
    let user = a_user("ada@example.com");
    let printed = format!("{user:?}");
    assert!(!printed.contains("ada@") && !printed.contains("argon2"), "{printed}");
}
