/** What a declared field says beyond its kind. */

/** Fields that say a unit by its id, or as somebody wrote it. */
export const saysUnit = (field: { name: string; kind: string }): boolean => field.kind === 'text' && (field.name === 'owner' || field.name.endsWith('_unit'))
