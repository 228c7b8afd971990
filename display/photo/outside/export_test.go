package outside

var ReadAnswer = readAnswer
