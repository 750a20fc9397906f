"""Words and pure rules of pgqueue: no I/O, and nothing imported from the other rooms."""
