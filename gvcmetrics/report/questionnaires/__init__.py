"""The questions that let a survey of firms answer hypotheses, as a form, a document and a spec.

bank      questions and what their answers become, read from `questions.yaml`
needs     hypotheses → the columns that their rules need, and which of them no firm can answer
survey    the questionnaire of some hypotheses; `gvc.survey`
spec      answers → panel. answers: the other way, for made-up answers
pages     the questionnaire as blocks; markdown, word and xlsform write it
"""
