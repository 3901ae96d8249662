"""A simulated economy whose true effects are known.

parameters  what it is made from: one frozen dataclass, each value with its source or said to be assumed
checks      what no economy can be
streams     random numbers by component
geography   countries, regions, industries, clusters
firms       size, owners, research, certificates, chains and exports over years
ties        buyers and governance
accounts    money and what of it goes abroad
upgrading   four kinds of upgrading, lock-in, functions, joint action
survey      sample, attrition, wrong and missing answers
frames      the survey as a frame of firms
records     regional statistics, customs records, buyers
files       raw files in the layouts of surveys, with the specs that read them
truth       the true effect behind each rule of a hypothesis
make        all of it, from parameters and a seed
"""
