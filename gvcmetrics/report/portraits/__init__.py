"""A page for every panel, made from its columns alone: what it holds, and what it shows.

exhibit      a table or figure, the columns that it needs, and how it is made
firm, trade, input_output, cluster
             the exhibits of each contract, in the order of the page
page         the exhibits that a panel can bear, written down as a study is; the others are named once
"""
