import { RegisterForm, useAuth } from "@authapp/react";
import { useEffect } from "react";

import { Card } from "../Page";
import { Link, navigate } from "../router";

export function Register() {
  const { status } = useAuth();
  useEffect(() => {
    if (status === "signed_in") navigate("/", { replace: true });
  }, [status]);
  if (status === "loading" || status === "signed_in") return null;
  return (
    <Card
      title="Create your workspace"
      intro="Your account, and an organization that you are the admin of."
      footer={<>Have an account? <Link href="/sign-in">Sign in</Link></>}
    >
      <RegisterForm organization="required" />
    </Card>
  );
}
