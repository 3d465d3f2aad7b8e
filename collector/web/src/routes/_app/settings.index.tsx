import { createFileRoute } from "@tanstack/react-router";
import { SettingsIndex } from "../../features/settings/settings-frame";

export const Route = createFileRoute("/_app/settings/")({ component: SettingsIndex });
