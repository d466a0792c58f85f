-- Ids are UUIDs as text, times integer microseconds UTC, JSON is text and is never queried inside.
-- Sealed columns (BYTEA) are encrypted by a data key before they come here; store/src/keys/columns.rs lists them.

CREATE TABLE schema_version (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

-- One row: this installation.
CREATE TABLE instance (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    -- Grows with every restore: what an older epoch claimed is no longer its own.
    epoch BIGINT NOT NULL,
    -- The version of the data keys that is made now, and the oldest one that may still seal.
    key_version BIGINT NOT NULL,
    sealing_from BIGINT NOT NULL,
    -- The id of the master key that wraps new data keys, and of the one that takes its place, during the change.
    master_key TEXT NOT NULL,
    next_master_key TEXT,
    -- Since when a restored backup holds every effect back; NULL where nothing is held back.
    fenced_at BIGINT,
    created_at BIGINT NOT NULL
) STRICT;

-- What seals the sealed columns: a key per owner and version, itself wrapped by the master key that is named. The
-- owner is an organisation, or 'instance' for what belongs to a person and not to an organisation.
CREATE TABLE data_keys (
    owner TEXT NOT NULL,
    version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    master_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (owner, version)
) STRICT;

CREATE TABLE orgs (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    language TEXT NOT NULL,
    default_assistant_id TEXT,
    -- Since when members need a second factor; NULL where they do not.
    factors_required_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) STRICT;
CREATE INDEX orgs_by_age ON orgs (created_at, id);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    language TEXT,
    time_zone TEXT,
    -- Since when the person is known to read the mail of that address; NULL where somebody else only says so.
    proved_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) STRICT;

CREATE TABLE members (
    org_id TEXT NOT NULL REFERENCES orgs (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    -- Since when they have no right at all; NULL where they have their role's.
    suspended_at BIGINT,
    -- When a session of theirs was last begun here: the latest one is where they sign in next.
    last_used_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, user_id)
) STRICT;
CREATE INDEX members_by_user ON members (user_id, org_id);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Where it was begun from, and by which browser.
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it ends if it is not used; moves on with every use, up to ends_at.
    expires_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    FOREIGN KEY (org_id, user_id) REFERENCES members (org_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sessions_by_member ON sessions (org_id, user_id);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- Names of permissions; NULL: all that the role has.
    scopes TEXT,
    token_hash BYTEA NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    -- The token that it was made with: it goes with that one.
    made_by TEXT REFERENCES tokens (id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES members (org_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX tokens_by_maker ON tokens (made_by);
CREATE INDEX tokens_by_member ON tokens (org_id, user_id);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Gives no right before it is accepted. It is worth what its maker may do then, and goes with them.
CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    invited_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- Whether only the mailbox of the address has the link.
    mailed BOOLEAN NOT NULL,
    UNIQUE (org_id, email),
    FOREIGN KEY (org_id, invited_by) REFERENCES members (org_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX invitations_by_maker ON invitations (org_id, invited_by);
CREATE INDEX invitations_by_email ON invitations (email, id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

CREATE TABLE codes (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('setup', 'sign_in', 'reset')),
    org_id TEXT REFERENCES orgs (id),
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) STRICT;
CREATE INDEX codes_by_expiry ON codes (expires_at);
CREATE INDEX codes_by_user ON codes (user_id);

-- Second factors, passkeys, and identities at the OpenID provider: they belong to a person.

CREATE TABLE totp (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret BYTEA NOT NULL,
    -- The last time step whose code was used: a code works once.
    last_step BIGINT NOT NULL,
    -- Before that it does not count.
    confirmed_at BIGINT,
    created_at BIGINT NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    PRIMARY KEY (user_id, code_hash)
) STRICT;

CREATE TABLE passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential_id BYTEA NOT NULL UNIQUE,
    -- The public key; and the counter and flags that its uses change.
    static_state BYTEA NOT NULL,
    dynamic_state BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
) STRICT;
CREATE INDEX passkeys_by_user ON passkeys (user_id, id);

CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (user_id, issuer)
) STRICT;

-- What takes two requests ends once: the hashes of the tickets that have.
CREATE TABLE used_tickets (
    ticket_hash BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
) STRICT;
CREATE INDEX used_tickets_by_expiry ON used_tickets (expires_at);

CREATE TABLE twilio_settings (
    org_id TEXT NOT NULL PRIMARY KEY REFERENCES orgs (id),
    account_sid TEXT NOT NULL,
    auth_token BYTEA NOT NULL,
    token_last4 TEXT NOT NULL,
    phone TEXT,
    account_name TEXT,
    account_type TEXT,
    account_status TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) STRICT;

-- Auth tokens whose place another one took: they still verify webhooks, for a while.
CREATE TABLE previous_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    account_sid TEXT NOT NULL,
    auth_token BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
) STRICT;
CREATE INDEX previous_tokens_by_account ON previous_tokens (account_sid, expires_at, id);
CREATE INDEX previous_tokens_by_expiry ON previous_tokens (expires_at);

CREATE TABLE vapi_settings (
    org_id TEXT NOT NULL PRIMARY KEY REFERENCES orgs (id),
    api_key BYTEA NOT NULL,
    key_last4 TEXT NOT NULL,
    vapi_org_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) STRICT;

CREATE TABLE lines (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    phone TEXT NOT NULL,
    friendly_name TEXT NOT NULL,
    notes TEXT NOT NULL,
    assistant_id TEXT,
    sms_owner TEXT NOT NULL CHECK (sms_owner IN ('twilio', 'vapi')),
    server_url TEXT,
    server_secret BYTEA,
    twilio_account_sid TEXT NOT NULL,
    twilio_auth_token BYTEA NOT NULL,
    vapi_phone_id TEXT,
    vapi_credential_id TEXT,
    vapi_org_id TEXT,
    -- The fingerprint of the auth token that Vapi was given; NULL where nobody knows.
    vapi_token TEXT,
    import_refusal TEXT,
    health TEXT NOT NULL,
    failing_check TEXT,
    report TEXT,
    checked_at BIGINT,
    created_by TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (org_id, phone)
) STRICT;
CREATE INDEX lines_by_age ON lines (org_id, created_at, id);
CREATE INDEX lines_by_account ON lines (org_id, twilio_account_sid, id);

CREATE TABLE operations (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    line_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'unclear')),
    desired TEXT NOT NULL,
    previous TEXT,
    problem TEXT,
    attempt BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    back_from BIGINT,
    undo_of TEXT REFERENCES operations (id),
    undone_by TEXT REFERENCES operations (id),
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT
) STRICT;
-- A line has at most one unfinished operation.
CREATE UNIQUE INDEX operations_unfinished ON operations (line_id) WHERE finished_at IS NULL;
-- What a worker looks for.
CREATE INDEX operations_due ON operations (run_at, lease_until, id) WHERE finished_at IS NULL;
CREATE INDEX operations_by_age ON operations (org_id, created_at, id);
CREATE INDEX operations_by_line ON operations (org_id, line_id, created_at, id);

CREATE TABLE operation_steps (
    operation_id TEXT NOT NULL REFERENCES operations (id),
    seq BIGINT NOT NULL,
    org_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('started', 'done', 'failed', 'unclear')),
    change TEXT NOT NULL,
    problem TEXT,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (operation_id, seq)
) STRICT;

-- The audit trail: one chain of events per organisation, and one of the installation under the instance's id.
CREATE TABLE events (
    org_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    request_id TEXT,
    address TEXT,
    before TEXT,
    after TEXT,
    -- SHA-256 over the hash before it and every column above.
    hash BYTEA NOT NULL,
    PRIMARY KEY (org_id, seq)
) STRICT;

-- Where each chain ends: a tail that was cut off is noticed by it.
CREATE TABLE chains (
    org_id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
) STRICT;

-- An answer that is kept for its key; the id is organisation, caller and key.
CREATE TABLE idempotency (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    fingerprint BYTEA NOT NULL,
    status BIGINT,
    body BYTEA,
    created_at BIGINT NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- The watch (A10): when each line is looked at, what was seen of it, what changed, who is told.

CREATE TABLE watch_settings (
    org_id TEXT NOT NULL PRIMARY KEY REFERENCES orgs (id),
    interval_minutes BIGINT NOT NULL,
    -- The causes that are repaired without asking.
    repair TEXT NOT NULL,
    -- When the providers' own reports of failed calls were read, and up to where.
    pulled_at BIGINT NOT NULL,
    calls_after BIGINT,
    alerts_after BIGINT
) STRICT;

CREATE TABLE line_watch (
    line_id TEXT NOT NULL PRIMARY KEY REFERENCES lines (id) ON DELETE CASCADE,
    org_id TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    -- When the last look that counts began.
    looked_at BIGINT,
    -- Since when a provider cannot be read.
    unknown_since BIGINT,
    snapshot TEXT,
    cause TEXT,
    last_call TEXT
) STRICT;
CREATE INDEX line_watch_due ON line_watch (due_at, line_id);
CREATE INDEX line_watch_by_org ON line_watch (org_id, due_at, line_id);
CREATE INDEX line_watch_unknown ON line_watch (org_id, line_id) WHERE unknown_since IS NOT NULL;

CREATE TABLE diary (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    line_id TEXT NOT NULL REFERENCES lines (id) ON DELETE CASCADE,
    -- The look before, and the look that saw it.
    seen_before BIGINT,
    created_at BIGINT NOT NULL,
    changes TEXT NOT NULL,
    cause_before TEXT,
    cause_after TEXT,
    health TEXT NOT NULL,
    actor TEXT NOT NULL,
    operation_id TEXT,
    changed_at BIGINT
) STRICT;
CREATE INDEX diary_by_line ON diary (line_id, created_at, id);
CREATE INDEX diary_by_age ON diary (created_at);

CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    kind TEXT NOT NULL,
    -- What it is about: a line's id, a provider, an account.
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    params TEXT NOT NULL,
    -- How often it was opened or closed: each time is told once.
    changes BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    resolved_at BIGINT,
    created_at BIGINT NOT NULL
) STRICT;
-- Of a kind and a subject at most one is open.
CREATE UNIQUE INDEX alerts_open ON alerts (org_id, kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_by_subject ON alerts (org_id, kind, subject, created_at);
CREATE INDEX alerts_by_age ON alerts (org_id, created_at, id);
CREATE INDEX alerts_resolved ON alerts (resolved_at);

-- Members who want alerts by e-mail.
CREATE TABLE alert_mail (
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (org_id, user_id),
    FOREIGN KEY (org_id, user_id) REFERENCES members (org_id, user_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    secret BYTEA NOT NULL,
    -- Switched off by the receiver, by answering 410.
    gone_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) STRICT;
CREATE INDEX webhooks_by_age ON webhooks (org_id, created_at, id);

-- Messages on their way out, each to one recipient: a member's mail or a webhook.
CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    channel TEXT NOT NULL CHECK (channel IN ('email', 'webhook')),
    -- The member or the webhook.
    target TEXT NOT NULL,
    topic TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- The subject's count of changes: what was told once is not told again.
    change BIGINT NOT NULL,
    payload TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    delivered BOOLEAN NOT NULL,
    UNIQUE (subject_id, change, target)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (run_at, id) WHERE finished_at IS NULL;
CREATE INDEX deliveries_unfinished ON deliveries (org_id, target, run_at, id) WHERE finished_at IS NULL;
CREATE INDEX deliveries_by_target ON deliveries (org_id, target, created_at, id);
CREATE INDEX deliveries_by_age ON deliveries (finished_at) WHERE finished_at IS NOT NULL;

-- What providers tell us.

-- Who may have signed a request: by account and number.
CREATE INDEX lines_by_number ON lines (twilio_account_sid, phone, created_at, id);
CREATE INDEX twilio_settings_by_account ON twilio_settings (account_sid, created_at, org_id);

-- Each thing that was told, once and for ever: the key is made of what was signed, and is never forgotten, so that a
-- request that comes again in a year still has no second effect.
CREATE TABLE inbound (
    key TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    -- The message or call that it is about.
    subject TEXT NOT NULL,
    tape_id TEXT NOT NULL,
    received_at BIGINT NOT NULL
) STRICT;
CREATE INDEX inbound_by_subject ON inbound (subject, org_id);

-- Each request as it came, without secrets; bounded, and aged out.
CREATE TABLE tape (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    line_id TEXT,
    provider TEXT NOT NULL,
    hook TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'refused')),
    refusal TEXT,
    status BIGINT NOT NULL,
    -- What may be shown without opening the rest.
    about TEXT NOT NULL,
    -- Path, headers and body, sealed; NULL where only the outline was kept.
    request BYTEA,
    bytes BIGINT NOT NULL,
    is_whole BOOLEAN NOT NULL,
    repeats BIGINT NOT NULL,
    repeated_at BIGINT,
    received_at BIGINT NOT NULL
) STRICT;
CREATE INDEX tape_by_age ON tape (org_id, received_at, id);
CREATE INDEX tape_by_outcome ON tape (org_id, outcome, received_at, id);
CREATE INDEX tape_by_refusal ON tape (org_id, refusal, received_at, id);

CREATE TABLE tape_settings (
    org_id TEXT NOT NULL PRIMARY KEY REFERENCES orgs (id),
    days BIGINT NOT NULL
) STRICT;

-- Refused requests that name nobody who is here: an outline of the last few.
CREATE TABLE tape_strangers (
    id TEXT NOT NULL PRIMARY KEY,
    hook TEXT NOT NULL,
    refusal TEXT NOT NULL,
    about TEXT NOT NULL,
    received_at BIGINT NOT NULL
) STRICT;
CREATE INDEX tape_strangers_by_age ON tape_strangers (received_at, id);
