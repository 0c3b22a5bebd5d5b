/**
 * A text as searches compare it: without the case of its letters. Both forms of the Greek sigma are one, as
 * which of them is written depends on what follows.
 */
export const foldText = (text: string): string => text.toLowerCase().replaceAll('ς', 'σ');
