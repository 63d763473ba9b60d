import { SignInForm, useAuth } from "@authapp/react";
import { useEffect } from "react";

import { Card } from "../Page";
import { Link, navigate, usePath } from "../router";

/** At its own address, and in the place of a protected page, which appears as soon as somebody has signed in. */
export function SignIn() {
  const { status } = useAuth();
  const isOwnPage = usePath() === "/sign-in";
  useEffect(() => {
    if (status === "signed_in" && isOwnPage) navigate("/", { replace: true });
  }, [status, isOwnPage]);
  if (status === "loading" || status === "signed_in") return null;
  return (
    <Card title="Sign in" footer={<>No account yet? <Link href="/register">Register</Link></>}>
      <SignInForm onForgotPassword={() => navigate("/forgot-password")} />
    </Card>
  );
}
