import { createFileRoute } from "@tanstack/react-router";
import { NotificationsPage } from "../../features/notify/notifications-page";

export const Route = createFileRoute("/_app/settings/notifications/")({ component: NotificationsPage });
