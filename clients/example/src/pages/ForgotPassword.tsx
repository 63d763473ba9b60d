import { ForgotPasswordForm } from "@authapp/react";

import { Card } from "../Page";
import { Link } from "../router";

export function ForgotPassword() {
  return (
    <Card
      title="Forgotten password"
      intro="We send you a link with which you choose another one."
      footer={<Link href="/sign-in">Back to sign-in</Link>}
    >
      <ForgotPasswordForm />
    </Card>
  );
}
