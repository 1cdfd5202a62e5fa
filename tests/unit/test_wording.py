from httsleep.wording import is_for_shell, worded, words_of_the_shell


def test_a_text_has_the_words_of_its_reader():
    """Within the block a text is for a user of the command, else for a programmer."""
    assert (worded("a", "b"), is_for_shell()) == ("a", False)
    with words_of_the_shell():
        assert (worded("a", "b"), is_for_shell()) == ("b", True)
    assert worded("a", "b") == "a"
