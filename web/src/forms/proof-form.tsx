import { PasswordInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { ProblemError, fieldErrors } from "../api/problem";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";

/** Whether the server wants the password again; it may only find out when it is asked. */
const isProofNeeded = (error: unknown): boolean => error instanceof ProblemError && error.problem.code === "proof_needed";

type Props<Output> = {
  title: string;
  text?: string;
  action: string;
  /** Whether the password is asked for from the start. */
  asks: boolean;
  /** What the thing is called until another name is typed; left out: it has none. */
  name?: string;
  send: (password: string | undefined, name: string) => Promise<Output>;
  onDone: (output: Output) => void;
  onClose: () => void;
};

/** Changes something about second factors, with the password where the sign-in was long ago. */
export function ProofForm<Output>({ title, text, action, asks, name, send, onDone, onClose }: Props<Output>) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { password: "", name: name ?? "" } });
  const change = useAction((values: typeof form.values) => send(values.password || undefined, values.name), {
    stale: ["factors"],
    onDone,
  });
  const proofNeeded = isProofNeeded(change.error);
  return (
    <FormModal
      title={title}
      action={action}
      busy={change.isPending}
      error={proofNeeded ? null : change.error}
      onSubmit={form.onSubmit((values) => change.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }))}
      onClose={onClose}
    >
      {text && <Text size="sm">{text}</Text>}
      {name !== undefined && (
        <TextInput label={t("factors.passkey_name")} required data-autofocus autoComplete="off" {...form.getInputProps("name")} />
      )}
      {(asks || proofNeeded) && (
        <PasswordInput
          label={t("password.current")}
          description={t("factors.password_hint")}
          required
          autoComplete="current-password"
          {...form.getInputProps("password")}
        />
      )}
    </FormModal>
  );
}
