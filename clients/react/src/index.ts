export { AuthProvider, type AuthProviderProps } from "./AuthProvider.js";
export { ForgotPasswordForm, type ForgotPasswordFormProps } from "./ForgotPasswordForm.js";
export {
  RequireAuth, RequirePermission, RequireRole, type RequireAuthProps, type RequirePermissionProps, type RequireRoleProps,
} from "./guards.js";
export { MembersTable, type MembersTableProps } from "./MembersTable.js";
export { MfaForm, type MfaFormProps } from "./MfaForm.js";
export { OrganizationSwitcher } from "./OrganizationSwitcher.js";
export { PasskeyButton } from "./PasskeyButton.js";
export { ReauthenticationDialog, type ReauthenticationProps } from "./ReauthenticationDialog.js";
export { RegisterForm, type RegisterFormProps } from "./RegisterForm.js";
export { SignInForm, type SignInFormProps } from "./SignInForm.js";
export type { OnSuccess } from "./success.js";
export { english, type Texts } from "./texts.js";
export { useAuth, type Auth } from "./useAuth.js";
export { useOrganization, type OrganizationState } from "./useOrganization.js";
