const ENGLISH = {
  /** The language of the texts, for times: a BCP 47 tag. */
  language: "en",
  email: "Email",
  password: "Password",
  show: "Show",
  show_password: "Show password",
  /** What PASSWORD_POLICY asks for. Empty: no hint. */
  password_hint: "At least 8 characters, with letters and digits.",
  optional: "optional",
  required: "Fill this in.",
  busy: "One moment …",
  cancel: "Cancel",
  or: "or",
  retry: "Try again {wait}.",
  try_again: "Try again",
  more: "Show more",
  loading: "Loading …",

  sign_in: "Sign in",
  to_sign_in: "Back to sign-in",
  to_register: "Create an account",
  forgot_password: "Forgot your password?",
  sign_in_with_passkey: "Sign in with a passkey",
  use_passkey: "Use a passkey",

  mfa_title: "One more step",
  mfa_lead: "Open your authenticator app, and enter the code that it shows.",
  code: "Code",
  code_hint: "6 digits",
  continue: "Continue",
  recovery_lead: "Enter one of the recovery codes that you saved. Each works once.",
  recovery_code: "Recovery code",
  use_recovery_code: "Use a recovery code",
  use_app: "Use the authenticator app",
  start_again: "Start again",

  register: "Create account",
  join: "Join",
  first_name: "First name",
  last_name: "Last name",
  organization_name: "Organization",
  organization_name_hint: "Creates an organization with you as its admin.",
  mailbox_title: "Look into your mailbox",
  registered_lead: "We have sent an email to the address that you gave. It says how to go on.",

  send_link: "Send the link",
  link_sent_lead: "If there is an account with this address, an email is on its way.",

  reauthentication_title: "Is it you?",
  reauthentication_lead: "To go on, confirm that it is you.",
  confirm: "Confirm",
  any_code: "Code or recovery code",
  any_code_hint: "6 digits from the app, or one of your recovery codes. Each works once.",
  sign_in_again_lead: "To go on, sign in again. Then repeat what you were about to do.",
  sign_in_again: "Sign in again",

  organization: "Organization",
  choose_organization: "Choose an organization",
  no_organizations: "You are in no organization.",
  chosen: "{organization} is chosen.",

  members: "Members",
  members_of: "Members of {organization}",
  member: "Member",
  role: "Role",
  role_of: "Role of {member}",
  joined: "Joined",
  actions: "Actions",
  you: "you",
  admin: "Admin",
  developer: "Developer",
  viewer: "Viewer",
  role_changed: "{member} is now {role}.",
  remove: "Remove",
  remove_member: "Remove {member}",
  remove_title: "Remove {member}?",
  remove_lead: "{member} loses all access to {organization}.",
  removed: "{member} was removed.",
  leave: "Leave",
  leave_title: "Leave {organization}?",
  leave_lead: "You lose all access to {organization}. To come back, you need an invitation.",
  left: "You have left {organization}.",
  step_down_title: "Become {role}?",
  step_down_lead: "You will no longer be admin of {organization}. Only another admin can undo this.",
  change_role: "Change role",

  network: "The service cannot be reached. Check your connection, and try again.",
  passkey_cancelled: "No passkey was used.",
  passkey_failed: "The browser cannot use a passkey here. Try again, or use another way.",
};

/** What the components say by themselves. Errors are the sentences of the API. `{names}` in braces are replaced. */
export type Texts = { [Name in keyof typeof ENGLISH]: string };

export const english: Texts = ENGLISH;

/** Replace the `{names}` of a text. */
export function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
