/** The page of a service. */
export const servicePath = (service: string): string => `/services/${encodeURIComponent(service)}`;
