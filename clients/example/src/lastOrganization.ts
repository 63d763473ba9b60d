// The organization that each account has worked in last. The client opens it again, and says nothing where it may not:
// this app tries once more, to show why.
const keyOf = (userId: string) => `acme-mlops.organization.${userId}`;

export const lastOrganization = (userId: string) => localStorage.getItem(keyOf(userId));
export const rememberOrganization = (userId: string, id: string) => localStorage.setItem(keyOf(userId), id);
