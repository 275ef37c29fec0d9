# Completion of heed for fish.
set -l commands train run eval score explain inspect demo help
complete -c heed -f
complete -c heed -n "not __fish_seen_subcommand_from $commands" -l version -d 'the version'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a train -d 'train a model as a recipe says'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a run -d 'answer line by line'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a eval -d 'figures of a model on test sets'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a score -d 'bleu, chrf, wer, cer or accuracy of a file'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a explain -d 'where the model looked'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a inspect -d 'parameters, shapes, settings and origin'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a demo -d 'learn with and without attention'
complete -c heed -n "not __fish_seen_subcommand_from $commands" -a help -d 'the overview, a command, or a topic'
complete -c heed -l threads -x -d 'threads to use'
complete -c heed -s q -d 'say nothing but results and errors'
complete -c heed -l help -d 'what the command does and takes'
complete -c heed -n '__fish_seen_subcommand_from train run eval score explain inspect' -F
complete -c heed -n '__fish_seen_subcommand_from help' -a "$commands tasks recipes scores metrics"

complete -c heed -n '__fish_seen_subcommand_from train demo' -s o -r -F -d 'where it all goes'
complete -c heed -n '__fish_seen_subcommand_from train' -l resume -d 'go on with the run'
complete -c heed -n '__fish_seen_subcommand_from train' -l set -x -d 'set a key of the recipe'
complete -c heed -n '__fish_seen_subcommand_from train' -l max-seconds -x -d 'end after so many seconds'
complete -c heed -n '__fish_seen_subcommand_from train' -l max-updates -x -d 'end after so many updates'
complete -c heed -n '__fish_seen_subcommand_from train eval' -l data -r -F -d 'where data is looked for'

complete -c heed -n '__fish_seen_subcommand_from run' -l input -x -a 'text json' -d 'what a line is'
complete -c heed -n '__fish_seen_subcommand_from run' -l scores -d 'ln p before the text'
complete -c heed -n '__fish_seen_subcommand_from run' -l align -x -a 'pharaoh soft symbols' -d 'links after the text'
complete -c heed -n '__fish_seen_subcommand_from run eval score explain inspect' -l json -d 'as JSON'
complete -c heed -n '__fish_seen_subcommand_from run' -l weights -d 'with every weight'
complete -c heed -n '__fish_seen_subcommand_from run' -l target -r -F -d 'forced decoding'
complete -c heed -n '__fish_seen_subcommand_from run' -l keep-going -d 'go on after a bad record'
complete -c heed -n '__fish_seen_subcommand_from run explain' -l layer -x -d 'of this layer'
complete -c heed -n '__fish_seen_subcommand_from run explain' -l head -x -d 'of this head'

complete -c heed -n '__fish_seen_subcommand_from eval' -l set-name -x -d 'only this test set'
complete -c heed -n '__fish_seen_subcommand_from eval' -l by-length -d 'by length of the source'
complete -c heed -n '__fish_seen_subcommand_from eval' -l metric -x -a 'loss bleu chrf wer cer accuracy' -d 'instead of the usual ones'
complete -c heed -n '__fish_seen_subcommand_from eval score' -l digits -x -d 'decimals'

complete -c heed -n '__fish_seen_subcommand_from score' -a 'bleu chrf wer cer accuracy'
complete -c heed -n '__fish_seen_subcommand_from score' -l ref -r -F -d 'one more reference'
complete -c heed -n '__fish_seen_subcommand_from score' -o lc -d 'lower-case both sides'
complete -c heed -n '__fish_seen_subcommand_from score' -l tok -x -a '13a intl char zh none' -d 'how words are split'

complete -c heed -n '__fish_seen_subcommand_from explain' -l svg -r -F -d 'a heat map as SVG'
complete -c heed -n '__fish_seen_subcommand_from explain' -l steps -d 'the three steps as numbers'
complete -c heed -n '__fish_seen_subcommand_from explain' -l target -x -d 'not what the model writes'

complete -c heed -n '__fish_seen_subcommand_from demo' -l seed -x -d 'start of every generator'
complete -c heed -n '__fish_seen_subcommand_from demo' -l updates -x -d 'updates of either model'
complete -c heed -n '__fish_seen_subcommand_from demo' -l phrases -x -d 'test phrases of each length'
complete -c heed -n '__fish_seen_subcommand_from demo' -l data-only -d 'write data and recipes, train nothing'
